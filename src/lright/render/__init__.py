"""Renderers only draw: they get reports and curves and give text."""
