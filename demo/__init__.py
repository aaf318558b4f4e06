# SPDX-License-Identifier: GPL-2.0-or-later
"""`./run demo`, and the guests that the system tests share with it: see README.md."""
