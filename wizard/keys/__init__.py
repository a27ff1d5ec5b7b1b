"""Where the API key comes from: one file per backend."""
