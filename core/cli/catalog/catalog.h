/* `retrovue catalog ...`, in private: its subcommands, one function each. */
#pragma once

#include "core/cli/cli.h"
#include "core/plan/catalog/catalog.h"

/* Each gets "catalog NAME" as argv[0]. */
int cli_catalog_import(int argc, char **argv);
int cli_catalog_measure(int argc, char **argv);
int cli_catalog_search(int argc, char **argv);
int cli_catalog_show(int argc, char **argv);
int cli_catalog_approve(int argc, char **argv);
int cli_catalog_retire(int argc, char **argv);
int cli_catalog_doctor(int argc, char **argv);

/* The data directory's database: opened to read (it must be there) or to write (it is made). NULL after a message. */
Store *cli_catalog_open(const Config *config, bool to_write);
