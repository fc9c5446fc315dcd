# The same commands for those who have make; everything is in run.py.
PYTHON ?= python3

.PHONY: demo test setup check
demo:
	$(PYTHON) run.py demo
test:
	$(PYTHON) run.py test
setup:
	$(PYTHON) run.py setup
check:
	.ci/run
