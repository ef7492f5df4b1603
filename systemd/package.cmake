# The Debian package: include this last in the top CMakeLists.txt, then cpack -G DEB.
# SPDX-License-Identifier: MIT
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME roost)
set(CPACK_PACKAGE_VENDOR "The Roost authors")
set(CPACK_PACKAGE_CONTACT "Roost maintainers <maintainers@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Phoenix Channels for any backend, in a sidecar daemon")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "roostd terminates the WebSockets of Phoenix clients beside a backend in any language,\n\
and its nodes find each other and form a group, so that a broadcast on one node reaches\n\
the clients of all. roost is the tool to publish, subscribe and look from the command line.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libwebsockets loads its libev plugin by name at run time, which shlibdeps cannot see.
set(CPACK_DEBIAN_PACKAGE_DEPENDS libwebsockets-evlib-ev)
set(debian ${CMAKE_CURRENT_LIST_DIR}/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
