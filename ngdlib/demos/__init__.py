"""Interactive demos: widgets in Jupyter, self-contained figures on the book's static pages."""

from ngdlib.demos.two_charts import TwoCharts

__all__ = ["TwoCharts"]
