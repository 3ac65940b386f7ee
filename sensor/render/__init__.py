"""Alerts for human eyes: `Renderer(...).story(alerts)`."""

from sensor.render.story import Renderer, by_story, level_of, story_of

__all__ = ["Renderer", "by_story", "level_of", "story_of"]
