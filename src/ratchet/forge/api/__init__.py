"""The part of GitHub's API that the workflows call, served on loopback while a run goes on."""
