"""A fork's pull request: what its run may leave, what is believed of it, and the sample it runs on."""
