"""The REST server: answers for the champion that the ledger names, and follows the ledger without a restart.

`server.serve` is the use case; `app.create_app` the endpoints; `prediction_service` what becomes of a request, with the
`trial` of a candidate beside the champion; `champion_watcher` and `trial_watcher` swap both in `serving_state`.
"""
