"""Random runs: people, kubectl, accidents and dying processes all at once, judged by an independent watch."""
