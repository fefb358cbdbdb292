-- Files are named from logs/asrun on: the data directory may be moved.
UPDATE asrun_file SET path = substr(path, instr(path, '/logs/asrun/') + 12) WHERE instr(path, '/logs/asrun/') > 0;
