#pragma once
int core_main(int argc, char **argv);
