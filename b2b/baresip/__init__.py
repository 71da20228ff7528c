"""Everything that knows baresip: its configuration, its control socket, its sound card, its sockets."""
