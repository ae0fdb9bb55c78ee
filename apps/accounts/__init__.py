"""Who people are and what they may do: roles and permissions as data, login, API tokens.

Nothing here knows clusters, pools or the audit: higher apps register their permissions
(`permissions.register`), listen to changes of access (`access.on_access_changed`) and to what happened to
accounts (`events.on_event`).
"""
