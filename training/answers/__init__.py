"""Answers drawn from models, and the prompts that they answer."""
