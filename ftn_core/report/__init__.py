"""What an evaluation found, for people: a table, figures, one page that holds them. Draws and measures nothing."""
