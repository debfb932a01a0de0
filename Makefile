# How to build, try, check and install tcptrace. `make help` lists the targets.

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench benchlive lint check format golden install clean

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
INSTALL ?= install
# The scenarios that make demo plays, in about ten seconds; an empty DEMO plays all of them.
DEMO ?= one-client fin two-clients threaded refused reset
PROGRAMS := tcptrace lab-server lab-client
MANUALS := Sources/tcptrace/Manual/tcptrace.8 Sources/lab-server/Manual/lab-server.1 Sources/lab-client/Manual/lab-client.1
SWIFT_FILES := Package.swift Sources Tests
PACKAGES := libpcap-dev zlib1g-dev libzstd-dev pkg-config

# Release builds, for installing and measuring: they contain Swift's runtime, so that they run where Swift is not
# installed. They export no symbols to libraries loaded at run time, so that the linker can drop unused code; it also
# folds identical functions into one. There is no unwind index: only C++ exceptions need it, and none are thrown.
RELEASE := -c release --static-swift-stdlib -Xlinker --no-export-dynamic -Xlinker --icf=safe -Xlinker --no-eh-frame-hdr

# What runs a command as root: nothing if make already does, otherwise sudo if there is one.
ROOT := $(shell [ "$$(id -u)" = 0 ] || command -v sudo || true)

help: ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

setup: ## Install what the build needs besides Swift: pkg-config and the headers of libpcap, zlib and libzstd.
	@command -v $(SWIFT) >/dev/null || { \
	    echo "make: there is no '$(SWIFT)'; install Swift 6.3 or newer: https://www.swift.org/install/linux/" >&2; exit 1; }
	@if command -v pkg-config >/dev/null && pkg-config --exists libpcap zlib libzstd; then exit 0; fi; \
	manual="install the packages $(PACKAGES) (Fedora: libpcap-devel, zlib-devel, libzstd-devel, pkgconf) yourself, then try again"; \
	command -v apt-get >/dev/null || { echo "make: there is no apt-get; $$manual" >&2; exit 1; }; \
	if [ "$$(id -u)" != 0 ] && [ -z "$(ROOT)" ]; then \
	    echo "make: neither root nor sudo; $$manual" >&2; exit 1; fi; \
	echo "installing $(PACKAGES)"; \
	{ $(ROOT) apt-get -q update && \
	  $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get -qy install $(PACKAGES); } || { \
	    echo "make: that did not work; $$manual" >&2; exit 1; }

demo: setup ## Build, then run part of the guided tour: tcptrace lab (as root, with sudo if needed; DEMO="killed stopped" for others).
	$(SWIFT) build
	@if [ "$$(id -u)" != 0 ] && [ -z "$(ROOT)" ]; then \
	    echo "make: capturing needs root and there is no sudo; run 'make demo' as root" >&2; exit 1; fi
	$(ROOT) "$$($(SWIFT) build --show-bin-path)/tcptrace" lab $(DEMO)
	@echo "That was: tcptrace lab $(DEMO); without names it plays all, and --list says what they are."

test: setup ## Build and run all tests. Those that need tshark, tcpdump or root say so when they are skipped.
	@for peer in tshark tcpdump; do \
	    command -v $$peer >/dev/null || echo "make: $$peer is not installed; the tests that compare with it are skipped"; \
	done
	$(SWIFT) test

bench: setup ## Measure speed and memory against tcpdump, tshark and classic tcptrace (BENCH=--quick for a short run).
	@missing=""; for peer in tcpdump tshark tcptrace; do \
	    test -x /usr/bin/$$peer || command -v $$peer >/dev/null || missing="$$missing $$peer"; done; \
	if [ -n "$$missing" ] && command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || [ -n "$(ROOT)" ]; }; then \
	    echo "installing$$missing to compare with"; \
	    { $(ROOT) apt-get -q update && $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get -qy install $$missing; } || \
	    echo "make: that did not work; comparing with what there is" >&2; fi
	$(SWIFT) build $(RELEASE) --product tcptrace
	$(SWIFT) build $(RELEASE) --product tcptrace-bench
	bin="$$($(SWIFT) build $(RELEASE) --show-bin-path)" && "$$bin/tcptrace-bench" --tool "$$bin/tcptrace" $(BENCH)

benchlive: setup ## Measure what a live trace costs those it traces (root; BENCH=--quick for a short run).
	$(SWIFT) build $(RELEASE) --product tcptrace
	$(SWIFT) build $(RELEASE) --product tcptrace-bench-live
	bin="$$($(SWIFT) build $(RELEASE) --show-bin-path)" && $(ROOT) "$$bin/tcptrace-bench-live" --tool "$$bin/tcptrace" $(BENCH)

lint: ## Check the form of all Swift files.
	$(SWIFT) format lint --strict --parallel --recursive $(SWIFT_FILES)

format: ## Bring all Swift files into form.
	$(SWIFT) format --in-place --parallel --recursive $(SWIFT_FILES)

check: lint test ## What a change must pass: form, warnings (they are errors in every build), tests.

golden: setup ## Write the golden files anew. The run fails on purpose: look at the difference, then run make test.
	RECORD_GOLDEN=1 $(SWIFT) test --filter '[Gg]olden'

install: setup ## Install programs, man pages and bash's completion below PREFIX (/usr/local); DESTDIR is honoured.
	$(SWIFT) build $(RELEASE)
	$(INSTALL) -d "$(DESTDIR)$(PREFIX)/bin"
	bin="$$($(SWIFT) build $(RELEASE) --show-bin-path)" && for program in $(PROGRAMS); do \
	    $(INSTALL) -m 755 "$$bin/$$program" "$(DESTDIR)$(PREFIX)/bin/$$program" || exit 1; done
	for page in $(MANUALS); do \
	    folder="$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}"; \
	    $(INSTALL) -d "$$folder" && $(INSTALL) -m 644 "$$page" "$$folder/$${page##*/}" || exit 1; done
	folder="$(DESTDIR)$(PREFIX)/share/bash-completion/completions"; $(INSTALL) -d "$$folder" && \
	    "$(DESTDIR)$(PREFIX)/bin/tcptrace" --generate-completion-script bash >"$$folder/tcptrace"

clean: ## Remove what was built.
	$(SWIFT) package clean
