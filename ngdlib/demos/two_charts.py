"""One coin seen in probability, log-odds and angle at once: steps and flows of descent."""

from ngdlib.demos.base import Choice, Count, Demo, Number, svg


class TwoCharts(Demo):
    _module = "two_charts.js"
    name = "two-charts"
    title = "One coin, three charts"
    caption = "Drag."
    q = Number(0.2, min=0.001, max=0.999)
    mean = Number(0.8, min=0.0, max=1.0)
    eta = Number(0.1, min=0.01, max=10.0)
    steps = Count(1, min=1, max=50)
    mode = Choice("steps", ("steps", "flow"))

    def still(self):
        return svg(700, 400, label="x")
