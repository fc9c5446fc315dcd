"""Look at everything that a run may need and say of each part whether it works, and if not, what mends it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ggt_studio.pipeline.checkups import local, machine, network, project
from ggt_studio.pipeline.checkups.finding import Condition, Finding
from ggt_studio.pipeline.offers import open_registry
from ggt_studio.settings import Settings, data_folder

__all__ = ["Condition", "Finding", "examine", "is_sound"]


async def examine(
    settings: Settings, folder: Path | None = None, *, offline: bool = False, has_display: bool = False
) -> list[Finding]:
    """Look at the program, the machine, keys and services, own additions and, where named, the project in `folder`.

    Nothing is changed, nothing paid for, and no photo sent. `offline` asks nothing beyond this machine. Everything that may wait
    is looked at side by side, and none of it for ever: the network takes ten seconds at most, torch two minutes.
    """
    with open_registry(settings) as (registry, services):
        window, torch, keys, proxies, projects = await asyncio.gather(
            machine.look_at_window(has_display=has_display),
            machine.look_at_torch(services.worker, settings.niqe_parameters),
            network.look_at_keys(services.catalogue, services.keys, offline=offline),
            network.look_at_proxies(offline=offline),
            _project(folder),
        )
        models = await local.look_at_models(services, torch.machine)
        disks = machine.look_at_disks(machine.places(settings, data_folder(), folder))
        return [
            machine.look_at_program(),
            window,
            *disks,
            *torch.findings,
            *keys,
            *proxies,
            *models,
            *local.look_at_own(registry, services.catalogue, settings.enabled_plugins),
            *projects,
        ]


def is_sound(findings: list[Finding]) -> bool:
    """Whether all that is set up works."""
    return all(finding.condition is not Condition.BROKEN for finding in findings)


async def _project(folder: Path | None) -> list[Finding]:
    return await asyncio.to_thread(project.look_at_project, folder) if folder is not None else []
