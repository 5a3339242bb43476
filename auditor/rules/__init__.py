"""The rules: one folder a family, one file a rule. Every file here is found and registered by itself."""
