"""Grades for others to read: platforms, continuous integration, students and teachers."""

from __future__ import annotations
