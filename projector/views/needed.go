package views

import "github.com/orderfold/orderfold/projector/views/list"

// neededTexts contain every table, column and index. A file for which all of them can be prepared
// is complete.
var neededTexts = append([]string{loadText, rowsText, insertOrderText, updateOrderText, moveOrderText, zoneText, insertSequencesText,
	openBreakText, closeBreakText, insertFacetText, countFacetText, countBreakText, objectText, countObjectText, quarantineText,
	positionText, healthText, verifiedText, countClassText, reclassText, renumberText, renumberBreaksText, reviseText, unverifyText, epochText, inheritText,
	feedText, placeText, rowsAfterText, statesText, addTradeText, takeTradeText, forgetTradeText, tradesText, newestOfClassText, newestObjectsText, objectsWithIDText}, list.Texts()...)
