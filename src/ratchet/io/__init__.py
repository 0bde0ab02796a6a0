"""One file per outside thing; foreign errors are translated here, once."""
