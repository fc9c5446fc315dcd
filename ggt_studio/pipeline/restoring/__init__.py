"""Photos restored into a folder, without a project: what with, in a queue that can be paused, and what is done on record."""

from ggt_studio.pipeline.restoring.asking import Money
from ggt_studio.pipeline.restoring.choice import Bill, RestoreChoice
from ggt_studio.pipeline.restoring.choosing import ModelSettings, is_checkpoint, named_model
from ggt_studio.pipeline.restoring.finetuned import Finetuned
from ggt_studio.pipeline.restoring.generated import Generated
from ggt_studio.pipeline.restoring.items import RestoreItem, Standing
from ggt_studio.pipeline.restoring.journal import JOURNAL
from ggt_studio.pipeline.restoring.models import Checkpoint, Classical, RestoringModel
from ggt_studio.pipeline.restoring.queue import RestoreQueue

__all__ = [
    "JOURNAL",
    "Bill",
    "Checkpoint",
    "Classical",
    "Finetuned",
    "Generated",
    "ModelSettings",
    "Money",
    "RestoreChoice",
    "RestoreItem",
    "RestoreQueue",
    "RestoringModel",
    "Standing",
    "is_checkpoint",
    "named_model",
]
