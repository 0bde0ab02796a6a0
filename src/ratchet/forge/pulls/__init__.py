"""Pull requests without GitHub: refs, merges, and the page."""
