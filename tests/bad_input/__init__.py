"""What people, programs and attackers send by mistake or on purpose: refused clearly, nothing half done."""
