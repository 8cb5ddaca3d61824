"""One self-contained HTML page of a campaign: drawn from its journal, and again while it runs."""
