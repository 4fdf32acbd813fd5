"""Cross-validation: scores fold by fold, means and spread, tables, the report."""
