"""Sound: samples, tones, files in, recordings and players out."""
