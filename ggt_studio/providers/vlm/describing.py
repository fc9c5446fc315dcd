"""What a person is told of a catalogue model that reads pictures: where photos go and what a call costs."""

from __future__ import annotations

from ggt_studio.providers.base import ProviderInfo
from ggt_studio.providers.catalogue import Model, Place, Service, reach_of
from ggt_studio.providers.hosted.generator import where_photos_go
from ggt_studio.providers.keys import Keys
from ggt_studio.providers.vlm.chat import MAX_TOKENS

# Tokens of an ordinary call: a photo of 1024 x 1024 px counts 1,000 to 1,600 of them with the vendors of today.
_PER_IMAGE = 1600
_OF_TEXT = 1000
_OF_ANSWER = 2000
# Those that a call cannot exceed: what it is told at its longest, and a photo at the finest resolution that vendors offer.
_MOST_OF_TEXT = 8192
_MOST_PER_IMAGE = 8192


def info_of(
    model: Model, service: Service, keys: Keys, *, images: int, does: str, instruction: str = ""
) -> ProviderInfo:
    """The description of a model in one of its roles, `does` says what in words. `images` are shown to it in each call.

    What runs on this machine or in the local network, behind which there is no vendor, and has no price is free.
    """
    address = keys.address(service)
    at_home = reach_of(service, address) is not Place.ELSEWHERE and not model.price.known
    price = model.price.of_tokens(text_read=_OF_TEXT, images_read=images * _PER_IMAGE, text_written=_OF_ANSWER)
    most = model.price.of_tokens(text_read=_MOST_OF_TEXT, images_read=images * _MOST_PER_IMAGE, text_written=MAX_TOKENS)
    return ProviderInfo(
        id=model.id,
        label=model.label,
        description=f"{does} {model.description}".strip(),
        price_usd=price or 0.0,
        concurrency=model.limits.concurrency,
        paid=not (at_home or model.price.free),
        leaves_machine=where_photos_go(service, address),
        model=model.model,
        instruction=instruction,
        price_known=at_home or price is not None,
        key_service=service.id if service.key_variables else "",
        most_usd=most,
        allowance=model.limits.allowance,
        tokens=_OF_TEXT + images * _PER_IMAGE + _OF_ANSWER,
        quota=model.quota,
    )
