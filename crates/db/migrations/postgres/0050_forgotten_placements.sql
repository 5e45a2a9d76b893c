-- A session that is deleted has no controller and no summaries any more.
GRANT DELETE ON chat_placements, session_summaries TO chancery_member;
