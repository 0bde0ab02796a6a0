"""A room of three classes, whose rows fail together by village."""
