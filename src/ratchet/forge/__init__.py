"""The local forge: a git remote that runs the repository's own GitHub Actions workflows on this machine, with `act`.

A push lands in a bare repository (`home`), whose post-receive hook (`hook`) queues it (`tickets`) and starts a worker
(`worker`). So do pull requests (`pulls`), and whoever starts a workflow by hand, by an event or by the clock
(`dispatch`). The worker decides which workflows a ticket starts (`planning`, `triggers`, `filters`), runs one after
another with act (`act`, `performing`) and keeps what came out (`results`). While a run goes on the forge answers the
part of GitHub's API that the workflows call (`api`). Everything is a file below one folder, the forge's home.

GitHub's rules that act ignores and the forge therefore keeps itself: filters of branches, tags, paths and types,
`[skip ci]`, required inputs, concurrency groups of workflows, approvals of environments, job timeouts, that a job's own
push starts no run, and that a `runs-on` or an action nobody can serve is an error instead of a green run that did
nothing. Only GitHub enforces `permissions`, keeps secrets, and gives every job a clean machine. Runs are strictly one
after another.

This is no sandbox. A job runs as the user who pushes (or as root, for root), on the host, with that user's files in
reach; only its environment and its git configuration are clean. Push what you would run yourself, nothing else.
"""
