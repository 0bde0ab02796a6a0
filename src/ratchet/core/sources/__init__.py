"""Where data comes from: what is declared, what was taken already, and which rows make which batch. Pure."""
