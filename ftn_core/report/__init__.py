"""Results for people: a table, figures, and one page that holds them. Nothing here measures."""
