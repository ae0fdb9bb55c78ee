"""Journeys of people with a real Chromium on a whole, running portal."""
