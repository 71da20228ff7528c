"""The test oracle: judges recordings and captures with numpy, scipy and dpkt alone, and knows nothing of b2b."""
