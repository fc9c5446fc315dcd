"""The closed vocabularies of the project: what a category, a state, an outcome can be."""

from __future__ import annotations

from enum import IntEnum, StrEnum

PATCH_SIZE = 1024
MIN_SIDE = 128


class Category(StrEnum):
    """The most visible degradation of a photo (paper section 3.1)."""

    GENERAL_MIXED = "general-mixed"
    RAIN = "rain"
    HAZE = "haze"
    SNOW = "snow"
    LOW_LIGHT = "low-light"
    OLD_PHOTO = "old-photo"


class Origin(StrEnum):
    """Where a photo comes from."""

    INTERNET = "internet"
    DATASET = "dataset"
    CAPTURE = "capture"


class Prepare(StrEnum):
    """How photos become patches. AUTO resizes rain and snow before cropping and only crops the others."""

    AUTO = "auto"
    CROP = "crop"
    RESIZE_CROP = "resize-crop"


class State(StrEnum):
    """Where a patch stands; derived from its facts."""

    OPEN = "open"
    WAITING = "waiting"
    VERIFIED = "verified"
    REJECTED = "rejected"
    FAILED = "failed"


class Stage(IntEnum):
    """The furthest automatic stage that the current candidate passed: the funnel's steps."""

    NONE = 0
    GENERATED = 1
    PASSED_METRICS = 2
    PASSED_JUDGE = 3


class Hold(StrEnum):
    """Why a patch is left out of runs until a person releases it. It stays listed; nothing is deleted.

    BY_HAND is what a person held back: exports leave it out, too, and no sample lets it go. REMOVED goes further: a person
    took its photo out of the project, so that lists, counts, samples and exports know nothing of it until it is put back.
    """

    CONTENT_POOR = "content-poor"
    DEGRADED = "degraded"
    NOT_VISIBLE = "not-visible"
    NEAR_DUPLICATE = "near-duplicate"
    NOT_SAMPLED = "not-sampled"
    BY_HAND = "by-hand"
    REMOVED = "removed"


class Screening(StrEnum):
    """What a VLM says of an LQ patch before any target is made (paper section 3.1).

    DEGRADED: so far gone that its content can only be guessed at. NOT_VISIBLE: its category's degradation is not to be seen.
    """

    USABLE = "usable"
    CONTENT_POOR = "content-poor"
    DEGRADED = "degraded"
    NOT_VISIBLE = "not-visible"


class QualityLevel(StrEnum):
    """Graded quality of an LQ patch; the paper samples high : medium : low as 1 : 2 : 3."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Aspect(StrEnum):
    """The five aspects that a judge scores from 0 to 100 (paper section 3.3)."""

    RESTORATION_QUALITY = "restoration_quality"
    OBJECT_CONSISTENCY = "object_consistency"
    GEOMETRY_ALIGNMENT = "geometry_alignment"
    CONTENT_REASONABLENESS = "content_reasonableness"
    COLOUR_CONSISTENCY = "colour_consistency"


class Decision(StrEnum):
    """What a judge or a person says of a candidate."""

    ACCEPT = "accept"
    REJECT = "reject"


class RejectReason(StrEnum):
    """Why a person rejects a candidate."""

    ARTEFACT = "artefact"
    STRUCTURE_CHANGED = "structure-changed"
    INVENTED_CONTENT = "invented-content"
    COLOUR = "colour"
    MISALIGNED = "misaligned"
    OTHER = "other"


class Outcome(StrEnum):
    """How a call to a generator or judge ended. Kept apart everywhere, never folded into one.

    AMBIGUOUS: begun, and the program ended before the answer was on disk; it may have been charged.
    """

    OK = "ok"
    SAFETY_BLOCK = "safety_block"
    NO_IMAGE = "no_image"
    QUOTA = "quota"
    BAD_KEY = "bad_key"
    NETWORK = "network"
    MALFORMED = "malformed"
    CRASHED = "crashed"
    AMBIGUOUS = "ambiguous"
    CANCELLED = "cancelled"


class CostBasis(StrEnum):
    """How it is known what a call cost.

    TOKENS: counted from the tokens that the provider reported. LIST_PRICE: the price of such a call. ESTIMATE: what such a
    call may cost, as it is not known what was charged, or whether anything was. NOTHING: it was not charged.
    """

    TOKENS = "tokens"
    LIST_PRICE = "list-price"
    ESTIMATE = "estimate"
    NOTHING = "nothing"
