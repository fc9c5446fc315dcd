"""Training: packs of pairs, mixing, recipes, job folders and the loop that trains restorers on curated pairs."""
