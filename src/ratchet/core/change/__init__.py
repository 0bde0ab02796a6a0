"""What a change did against its base: the records, and what fills them."""
