"""The picture of a campaign: experiment number against score, as data and as SVG or PNG."""
