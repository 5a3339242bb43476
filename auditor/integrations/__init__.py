"""Places where an audit runs by itself: one file a tool."""
