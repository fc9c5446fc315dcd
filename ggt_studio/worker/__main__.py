"""`python -m ggt_studio.worker`: start a worker; the pool does this."""

from ggt_studio.worker.server import main

if __name__ == "__main__":
    main()
