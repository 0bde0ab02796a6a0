"""The local forge: a git remote that runs the repository's own GitHub Actions workflows on this machine, with `act`.

A push lands in a bare repository (`home`), whose post-receive hook (`hook`) queues it (`tickets`) and starts a worker
(`worker`). The worker takes one push at a time, decides which workflows it starts (`workflows`, `filters`), runs each
with act (`act`) and keeps what came out (`results`). Everything is a file below one folder, the forge's home.

GitHub's rules that act ignores and the forge therefore keeps itself: branch and path filters, `[skip ci]`, required
inputs, that a job's own push starts no run, and that a `runs-on` or an action nobody can serve is an error instead of
a green run that did nothing. Only GitHub enforces `permissions`, `environment` approvals and job timeouts.
Runs are strictly one after another, whatever `concurrency` says.

This is no sandbox. A job runs as the user who pushes (or as root, for root), on the host, with that user's files in
reach; only its environment and its git configuration are clean. Push what you would run yourself, nothing else.
"""
