"""Chats as they are: every format of turns, whole requests, responses, and their pictures."""

from seewhy.chats.answers import LoggedAnswer, read_answer
from seewhy.chats.chat import Chat, read_chat, read_response
from seewhy.chats.media import Media, read_media, read_medium
from seewhy.chats.messages import read_messages
from seewhy.chats.question import PROMPT, Question, read_question

__all__ = [
    "PROMPT",
    "Chat",
    "LoggedAnswer",
    "Media",
    "Question",
    "read_answer",
    "read_chat",
    "read_media",
    "read_medium",
    "read_messages",
    "read_question",
    "read_response",
]
