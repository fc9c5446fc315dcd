"""The process that holds OpenCV, torch and decoders, spoken to in JSON lines over pipes."""
