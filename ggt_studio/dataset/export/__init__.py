"""Dataset export: pairs in, a dataset that others can load out."""

from ggt_studio.dataset.export.exporter import export_pairs
from ggt_studio.dataset.export.facts import CardFacts, ExportCancelled, ExportFormat, ExportReport
from ggt_studio.dataset.export.split import Split, split

__all__ = ["CardFacts", "ExportCancelled", "ExportFormat", "ExportReport", "Split", "export_pairs", "split"]
