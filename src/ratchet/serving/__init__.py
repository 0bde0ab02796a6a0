"""The REST server: answers for the champion that the ledger names, and follows the ledger without a restart.

`server.serve` is the use case; `app.create_app` the endpoints; `watcher.Watcher` what swaps the champion.
"""
