"""The report: one page, made from a published warehouse alone."""
