"""What a schema must say so that given tables pass it, with room for others like them; what it cannot say is listed."""
