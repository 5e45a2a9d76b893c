-- A session that is deleted has no controller any more.
GRANT DELETE ON chat_placements TO chancery_member;
