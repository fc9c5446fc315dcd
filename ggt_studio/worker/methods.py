"""What a worker can do: method names and the functions behind them, imported when first called."""

METHODS = {
    "prepare_photo": "ggt_studio.dataset.prepare:prepare_photo",
    "restore_classical": "ggt_studio.providers.classical:restore_file",
    "align": "ggt_studio.quality.alignment:align",
    "register": "ggt_studio.quality.registration:register",
    "score": "ggt_studio.quality.metrics:score",
    "metrics_available": "ggt_studio.quality.metrics:available",
    "judge_measured": "ggt_studio.quality.measured_judge:judge_files",
    "generate_local": "ggt_studio.providers.local.generation:generate",
    "unload_local": "ggt_studio.providers.local.generation:unload",
    "gpus": "ggt_studio.providers.local.devices:describe_machine",
    "download_model": "ggt_studio.providers.local.download:download_model",
    "restorer_inspect": "ggt_studio.restorers.restore:restorer_inspect",
    "restore_photo": "ggt_studio.restorers.restore:restore_photo",
    "restore_region": "ggt_studio.restorers.restore:restore_region",
    "restore_photo_classical": "ggt_studio.providers.classical.photos:restore_photo",
    "restore_region_classical": "ggt_studio.providers.classical.photos:restore_region",
    "pack_list": "ggt_studio.training.gathering:pack_list",
    "train_job": "ggt_studio.training.running:train_job",
    "write_demo_photos": "ggt_studio.demo_photos:write_demo_photos",
}
