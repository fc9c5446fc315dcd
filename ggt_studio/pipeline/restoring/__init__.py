"""Photos restored into a folder, without a project: what with, in a queue that can be paused, and what is done on record."""

from ggt_studio.pipeline.restoring.choosing import ModelSettings, named_model
from ggt_studio.pipeline.restoring.items import RestoreItem, Standing
from ggt_studio.pipeline.restoring.journal import JOURNAL
from ggt_studio.pipeline.restoring.models import Checkpoint, Classical, RestoringModel
from ggt_studio.pipeline.restoring.queue import RestoreChoice, RestoreQueue

__all__ = [
    "JOURNAL",
    "Checkpoint",
    "Classical",
    "ModelSettings",
    "RestoreChoice",
    "RestoreItem",
    "RestoreQueue",
    "RestoringModel",
    "Standing",
    "named_model",
]
